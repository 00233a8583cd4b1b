output "site_url" {
  description = "Where people reach the site."
  value       = local.site_url
}

output "registry" {
  description = "Push images here: REGISTRY/evento:VERSION"
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.evento.repository_id}"
}

output "database" {
  description = "The Cloud SQL instance, for its backups."
  value       = google_sql_database_instance.evento.connection_name
}
