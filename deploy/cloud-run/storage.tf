resource "google_artifact_registry_repository" "evento" {
  # checkov:skip=CKV_GCP_84: encrypted with Google's keys; the code is public
  repository_id = "evento"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of Evento"

  docker_config {
    immutable_tags = true
  }

  depends_on = [google_project_service.needed]
}

# Covers. Each upload is a new file of a random name, written once and never changed, which is what a bucket can do.
resource "google_storage_bucket" "media" {
  # checkov:skip=CKV_GCP_62: only the web server reads it
  name                        = "${var.project}-evento-media"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  # A cover that was removed can be had back for a month.
  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_storage_bucket_iam_member" "writers" {
  for_each = toset(["web", "background"])

  bucket = google_storage_bucket.media.name
  role   = "roles/storage.objectUser"
  member = google_service_account.evento[each.value].member
}
