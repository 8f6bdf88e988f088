# The control plane: reads the whole catalog, registers itself.
service "${service}" {
  policy     = "write"
  intentions = "read"
}
service_prefix "" {
  policy     = "read"
  intentions = "read"
}
node_prefix "" {
  policy = "read"
}
agent_prefix "" {
  policy = "read"
}
