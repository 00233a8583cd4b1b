locals {
  # Steps of a rollout, by hand or by `rollout`; and what docs/operations.md wants each night, but for backups, which Cloud SQL
  # makes.
  commands = {
    check        = ["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    migrate      = ["python", "manage.py", "migrate", "--noinput"]
    purge        = ["python", "manage.py", "purge"]
    audit-places = ["python", "manage.py", "audit_places"]
  }

  # In the time zone of the site.
  schedules = {
    purge        = "10 4 * * *"
    audit-places = "40 4 * * *"
  }
}

resource "google_cloud_run_v2_job" "command" {
  for_each = local.commands

  name                = "evento-${each.key}"
  location            = var.region
  deletion_protection = false # it holds nothing

  template {
    template {
      service_account = google_service_account.evento["background"].email
      max_retries     = 1
      timeout         = "1800s"

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = google_compute_network.evento.id
          subnetwork = google_compute_subnetwork.run.id
        }
      }

      containers {
        image = var.image
        args  = each.value

        resources {
          limits = {
            cpu    = "1"
            memory = "512Mi"
          }
        }

        dynamic "env" {
          for_each = local.settings
          content {
            name  = env.key
            value = env.value
          }
        }
        dynamic "env" {
          for_each = local.secrets
          content {
            name = env.value
            value_source {
              secret_key_ref {
                secret  = google_secret_manager_secret.evento[env.value].secret_id
                version = "latest"
              }
            }
          }
        }

        # With an archived event goes its cover.
        dynamic "volume_mounts" {
          for_each = each.key == "purge" ? ["media"] : []
          content {
            name       = volume_mounts.value
            mount_path = "/var/lib/evento/media"
          }
        }
      }

      dynamic "volumes" {
        for_each = each.key == "purge" ? ["media"] : []
        content {
          name = volumes.value
          gcs {
            bucket        = google_storage_bucket.media.name
            read_only     = false
            mount_options = local.media_mount_options
          }
        }
      }
    }
  }

  depends_on = [
    google_storage_bucket_iam_member.writers,
    google_secret_manager_secret_iam_member.readers,
    google_secret_manager_secret_version.database_url,
    google_secret_manager_secret_version.secret_key,
    google_secret_manager_secret_version.redis_url,
  ]
}

resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  for_each = local.schedules

  name     = google_cloud_run_v2_job.command[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.evento["scheduler"].member
}

resource "google_cloud_scheduler_job" "daily" {
  for_each = local.schedules

  name             = "evento-${each.key}"
  region           = var.region
  schedule         = each.value
  time_zone        = var.time_zone
  attempt_deadline = "60s"

  retry_config {
    retry_count = 3
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.command[each.key].id}:run"

    oauth_token {
      service_account_email = google_service_account.evento["scheduler"].email
    }
  }

  depends_on = [google_cloud_run_v2_job_iam_member.scheduler]
}
