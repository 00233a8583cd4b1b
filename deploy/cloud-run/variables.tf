variable "project" {
  description = "Id of the Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Give the project's id, such as my-tickets-1234, not its name or number."
  }
}

variable "region" {
  description = "Where everything runs."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Give a region such as europe-west1, not a zone."
  }
}

variable "image" {
  description = "The image with its tag or digest, in the registry that this makes (output `registry`)."
  type        = string

  validation {
    condition     = can(regex("(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version: a rollout of :latest would not notice that there is a new one."
  }
}

variable "site_url" {
  description = "Where people reach the site, with https. Null: the address that Cloud Run gives."
  type        = string
  default     = null

  validation {
    condition     = var.site_url == null || can(regex("^https://[a-z0-9.-]+$", var.site_url))
    error_message = "Give https and the host, and nothing behind them: https://tickets.example.org"
  }
}

variable "trusted_proxy_count" {
  description = "Entries that Google adds to X-Forwarded-For: 1 at Cloud Run's own address or a domain mapping, 2 behind an external Application Load Balancer."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 2], var.trusted_proxy_count)
    error_message = "Give 1 or 2. With a number too high, people can choose the address they are counted by."
  }
}

variable "from_address" {
  description = "The sender of every mail: Evento <tickets@example.org>"
  type        = string

  validation {
    condition     = strcontains(var.from_address, "@") && !strcontains(var.from_address, "@localhost")
    error_message = "Give an address of your domain."
  }
}

variable "time_zone" {
  description = "The site's own clock, an IANA name."
  type        = string
  default     = "UTC"
}

variable "more_settings" {
  description = "Further settings by name (docs/operations.md); none that is secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.more_settings), ["SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "ORGANISER_CODE", "REDIS_URL"])) == 0
    error_message = "Secrets are in Secret Manager, never in variables: docs/cloud-run.md"
  }
}

variable "web_instances" {
  description = "Fewest and most instances of the web server."
  type        = object({ min = number, max = number })
  default     = { min = 1, max = 5 }

  validation {
    condition     = var.web_instances.min >= 1 && var.web_instances.max >= var.web_instances.min
    error_message = "At least 1, because a site that sleeps ends the streams of its open pages; and max not below min."
  }
  validation {
    # WEB_THREADS (4) + 6 for each (docs/operations.md, "Open pages"), twice while a revision is replaced.
    condition     = 2 * 10 * var.web_instances.max + 20 <= var.database.max_connections
    error_message = "Each instance takes 10 connections, 20 while it is replaced: raise database.max_connections too."
  }
}

variable "database" {
  description = "Cloud SQL: machine, ZONAL or REGIONAL (with a second one that takes over), connections at most."
  type = object({
    tier            = optional(string, "db-custom-1-3840")
    availability    = optional(string, "ZONAL")
    max_connections = optional(number, 200)
  })
  default = {}

  validation {
    condition     = contains(["ZONAL", "REGIONAL"], var.database.availability)
    error_message = "The availability is ZONAL or REGIONAL."
  }
}

variable "database_password_version" {
  description = "Raise it to make a new password, in the database and in Secret Manager at once."
  type        = number
  default     = 1
}

variable "redis" {
  description = "Whether Memorystore keeps limits and sessions; otherwise the database does."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Refuses to destroy the database and the services."
  type        = bool
  default     = true
}
