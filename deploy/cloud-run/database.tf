resource "google_sql_database_instance" "evento" {
  # checkov:skip=CKV_GCP_6: ssl_mode refuses connections without TLS; checkov looks for its predecessor
  # checkov:skip=CKV_GCP_79: the newest version is not the tested one
  # checkov:skip=CKV_GCP_108: addresses are enough, and names cost a look-up for each connection
  # checkov:skip=CKV_GCP_109: the default also logs warnings
  # checkov:skip=CKV_GCP_110: logged statements hold personal data and tell how much is booked
  # checkov:skip=CKV_GCP_111: as CKV_GCP_110
  # checkov:skip=CKV2_GCP_13: a line for each statement tells how much is booked
  name                = "evento"
  database_version    = "POSTGRES_15" # what Evento is tested with, and whose pg_dump its image has
  deletion_protection = var.deletion_protection

  settings {
    tier                        = var.database.tier
    edition                     = "ENTERPRISE"
    availability_type           = var.database.availability
    deletion_protection_enabled = var.deletion_protection

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.evento.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "02:00"
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = 14
      }
    }

    database_flags {
      name  = "max_connections"
      value = tostring(var.database.max_connections)
    }
    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }
    database_flags {
      name  = "log_connections"
      value = "on"
    }
    database_flags {
      name  = "log_disconnections"
      value = "on"
    }
    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }
  }

  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "evento" {
  name     = "evento"
  instance = google_sql_database_instance.evento.name
}

# Made anew at each run, and used only when database_password_version changes. It never reaches the state.
ephemeral "random_password" "database" {
  length  = 40
  special = false
}

resource "google_sql_user" "evento" {
  name                = "evento"
  instance            = google_sql_database_instance.evento.name
  password_wo         = ephemeral.random_password.database.result
  password_wo_version = var.database_password_version
  deletion_policy     = "ABANDON" # PostgreSQL removes no user who owns tables
}

resource "google_secret_manager_secret_version" "database_url" {
  secret                 = google_secret_manager_secret.evento["DATABASE_URL"].id
  secret_data_wo         = "postgres://evento:${ephemeral.random_password.database.result}@${google_sql_database_instance.evento.private_ip_address}:5432/${google_sql_database.evento.name}?sslmode=require"
  secret_data_wo_version = var.database_password_version

  # A secret is never ahead of the user whose password it holds.
  depends_on = [google_sql_user.evento]
}
