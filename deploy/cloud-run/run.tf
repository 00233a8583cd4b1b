locals {
  site_url = coalesce(var.site_url, "https://evento-${data.google_project.this.number}.${var.region}.run.app")

  settings = merge({
    ALLOWED_HOSTS       = trimprefix(local.site_url, "https://")
    SITE_URL            = local.site_url
    TRUSTED_PROXY_COUNT = tostring(var.trusted_proxy_count)
    DEFAULT_FROM_EMAIL  = var.from_address
    TIME_ZONE           = var.time_zone
    LOG_FORMAT          = "json"
  }, var.more_settings)

  web_settings = {
    # One process for one CPU: Cloud Run adds instances.
    WEB_CONCURRENCY = "1"
    WEB_THREADS     = "4"
    # A stream takes one of the instance's 1000 requests at a time: these leave room for pages.
    LIVE_MAX_STREAMS = "800"
  }

  # The image's user; a bucket knows no owners of its own.
  media_mount_options = ["uid=10001", "gid=10001", "file-mode=640", "dir-mode=750"]

  worker_command = ["python", "manage.py", "send_notifications"]
}

resource "google_cloud_run_v2_service" "web" {
  name     = "evento"
  location = var.region
  ingress  = "INGRESS_TRAFFIC_ALL"
  # Everybody may ask: Evento knows its people itself.
  invoker_iam_disabled = true
  deletion_protection  = var.deletion_protection

  template {
    service_account       = google_service_account.evento["web"].email
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
    # The longest that Cloud Run allows. It ends a stream of an open page after an hour; the browser comes back
    # within 8 seconds and gets what it missed.
    timeout                          = "3600s"
    max_instance_request_concurrency = 1000

    scaling {
      min_instance_count = var.web_instances.min
      max_instance_count = var.web_instances.max
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = google_compute_network.evento.id
        subnetwork = google_compute_subnetwork.run.id
      }
    }

    containers {
      image = var.image

      ports {
        container_port = 8000
      }

      resources {
        limits = {
          cpu    = "1"
          memory = "1Gi"
        }
        # The listener of the streams works between requests too.
        cpu_idle          = false
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(local.settings, local.web_settings)
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

      # A revision whose migrations are missing never gets requests; the one before keeps them.
      startup_probe {
        period_seconds    = 5
        timeout_seconds   = 5
        failure_threshold = 24
        http_get {
          path = "/readyz"
        }
      }
      # The process alone: an instance that is started anew mends no database.
      liveness_probe {
        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = 6
        http_get {
          path = "/healthz"
        }
      }

      volume_mounts {
        name       = "media"
        mount_path = "/var/lib/evento/media"
      }
    }

    volumes {
      name = "media"
      gcs {
        bucket        = google_storage_bucket.media.name
        read_only     = false
        mount_options = local.media_mount_options
      }
    }
  }

  depends_on = [
    google_secret_manager_secret_iam_member.readers,
    google_secret_manager_secret_version.database_url,
    google_secret_manager_secret_version.secret_key,
    google_secret_manager_secret_version.redis_url,
    google_storage_bucket_iam_member.writers,
  ]
}

# A worker pool is made for what answers no requests: always on, nothing to ask it, no address.
resource "google_cloud_run_v2_worker_pool" "worker" {
  name                = "evento-worker"
  location            = var.region
  deletion_protection = var.deletion_protection

  scaling {
    manual_instance_count = 1
  }

  template {
    service_account = google_service_account.evento["background"].email

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = google_compute_network.evento.id
        subnetwork = google_compute_subnetwork.run.id
      }
    }

    containers {
      image = var.image
      args  = local.worker_command

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
    }
  }

  depends_on = [
    google_secret_manager_secret_iam_member.readers,
    google_secret_manager_secret_version.database_url,
    google_secret_manager_secret_version.secret_key,
    google_secret_manager_secret_version.redis_url,
  ]
}
