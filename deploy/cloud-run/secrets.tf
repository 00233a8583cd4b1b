locals {
  # Made here: SECRET_KEY, DATABASE_URL, REDIS_URL. Yours, by `gcloud secrets versions add`: docs/cloud-run.md
  secrets = toset(concat(
    ["SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "ORGANISER_CODE"],
    var.redis ? ["REDIS_URL"] : [],
  ))
}

resource "google_secret_manager_secret" "evento" {
  for_each = local.secrets

  secret_id = "evento-${lower(replace(each.value, "_", "-"))}"

  replication {
    auto {}
  }

  depends_on = [google_project_service.needed]
}

# Made once: another one would make second factors unreadable. It never reaches the state.
ephemeral "random_password" "secret_key" {
  length  = 64
  special = false
}

resource "google_secret_manager_secret_version" "secret_key" {
  secret                 = google_secret_manager_secret.evento["SECRET_KEY"].id
  secret_data_wo         = ephemeral.random_password.secret_key.result
  secret_data_wo_version = 1

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each = {
    for pair in setproduct(["web", "background"], local.secrets) : join("/", pair) => { reader = pair[0], secret = pair[1] }
  }

  secret_id = google_secret_manager_secret.evento[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.evento[each.value.reader].member
}
