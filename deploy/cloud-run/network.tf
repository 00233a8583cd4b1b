# Web, worker and commands reach the database by a private address; what leaves for the internet does not pass here.
resource "google_compute_network" "evento" {
  # checkov:skip=CKV2_GCP_18: no machine in it can be reached from outside, and rules that come with it deny all the same
  name                    = "evento"
  auto_create_subnetworks = false

  depends_on = [google_project_service.needed]
}

resource "google_compute_subnetwork" "run" {
  # checkov:skip=CKV_GCP_26: nothing but Evento and its database speak in it
  name                     = "evento-run"
  network                  = google_compute_network.evento.id
  ip_cidr_range            = "10.8.0.0/24"
  private_ip_google_access = true
}

resource "google_compute_global_address" "services" {
  name          = "evento-services"
  network       = google_compute_network.evento.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.evento.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
}
