# Consul agent of one mesh on one machine: a single server, loopback only.
# The supervisor fills in the placeholders and writes the result to <state>/consul/agent.hcl.

datacenter = "dc1"
node_name  = "trademesh"
data_dir   = "${data_dir}"
log_level  = "warn"

server           = true
bootstrap_expect = 1
bind_addr        = "127.0.0.1"
advertise_addr   = "127.0.0.1"
client_addr      = "127.0.0.1"

# Only HTTP is used. The server and gossip ports are picked by the supervisor and kept with the
# data, so that several meshes can live side by side on one machine.
ports {
  http     = ${http_port}
  server   = ${server_port}
  serf_lan = ${serf_port}
  serf_wan = -1
  dns      = -1
  grpc     = -1
}

# The only server need not tell anybody that it goes, and must find its place again afterwards.
leave_on_terminate      = false
skip_leave_on_interrupt = true
performance {
  raft_multiplier = 1
}

# Identities: leaf certificates with SPIFFE names, and who may call whom.
connect {
  enabled = true
}

acl {
  enabled                  = true
  default_policy           = "deny"
  down_policy              = "extend-cache"
  enable_token_persistence = true
}

# Every service, the control plane and the supervisor watch from this one host; the default of
# 200 connections for a client is soon used up.
limits {
  http_max_conns_per_client = 8192
}

disable_update_check = true
