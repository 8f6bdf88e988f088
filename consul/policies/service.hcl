# One service: registers itself, takes its leaf certificate, reads who may call it.
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
