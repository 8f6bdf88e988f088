# The agent itself: keeps its node and the catalog in step.
node_prefix "" {
  policy = "write"
}
service_prefix "" {
  policy = "read"
}
