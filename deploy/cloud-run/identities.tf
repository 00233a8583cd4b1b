# Each may do what it must: read Evento's secrets (secrets.tf), write covers (storage.tf), the scheduler start jobs (jobs.tf). None has a role in the project.
locals {
  identities = {
    web        = "Evento, web server"
    background = "Evento, mail worker and commands"
    scheduler  = "Evento, starts the daily commands"
  }
}

resource "google_service_account" "evento" {
  for_each = local.identities

  account_id   = "evento-${each.key}"
  display_name = each.value
}
