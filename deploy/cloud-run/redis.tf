# Optional: limits and sessions, which the database keeps otherwise. Losing it signs nobody out.
resource "google_redis_instance" "evento" {
  count = var.redis ? 1 : 0

  name               = "evento"
  tier               = "BASIC"
  memory_size_gb     = 1
  redis_version      = "REDIS_7_2"
  authorized_network = google_compute_network.evento.id
  connect_mode       = "PRIVATE_SERVICE_ACCESS"
  auth_enabled       = true

  redis_configs = {
    maxmemory-policy = "volatile-lru"
  }

  depends_on = [google_service_networking_connection.services]
}

# The password is Google's, and Google's provider keeps it in the state: one more reason to let few read that.
resource "google_secret_manager_secret_version" "redis_url" {
  count = var.redis ? 1 : 0

  secret      = google_secret_manager_secret.evento["REDIS_URL"].id
  secret_data = "redis://:${google_redis_instance.evento[0].auth_string}@${google_redis_instance.evento[0].host}:${google_redis_instance.evento[0].port}/0"
}
