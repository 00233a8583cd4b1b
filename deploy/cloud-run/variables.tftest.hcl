# `terraform test` over variables.tf alone, which needs no provider (bin/validate-deploy).
variables {
  project      = "my-tickets-1234"
  image        = "europe-west1-docker.pkg.dev/my-tickets-1234/evento/evento:1.2.3"
  from_address = "Evento <tickets@example.org>"
}

run "what_the_example_says_is_enough" {
  command = plan
}

run "latest_is_no_version" {
  command = plan
  variables {
    image = "europe-west1-docker.pkg.dev/my-tickets-1234/evento/evento:latest"
  }
  expect_failures = [var.image]
}

run "an_image_without_tag_is_no_version" {
  command = plan
  variables {
    image = "europe-west1-docker.pkg.dev/my-tickets-1234/evento/evento"
  }
  expect_failures = [var.image]
}

run "a_site_has_https_and_nothing_behind_its_name" {
  command = plan
  variables {
    site_url = "https://tickets.example.org/"
  }
  expect_failures = [var.site_url]
}

run "a_zone_is_no_region" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}

run "nobody_chooses_the_address_they_are_counted_by" {
  command = plan
  variables {
    trusted_proxy_count = 3
  }
  expect_failures = [var.trusted_proxy_count]
}

run "secrets_are_no_settings" {
  command = plan
  variables {
    more_settings = { EMAIL_URL = "smtp://mail.example.org" }
  }
  expect_failures = [var.more_settings]
}

run "more_instances_need_more_connections" {
  command = plan
  variables {
    web_instances = { min = 1, max = 20 }
  }
  expect_failures = [var.web_instances]
}

run "more_connections_allow_more_instances" {
  command = plan
  variables {
    web_instances = { min = 1, max = 20 }
    database      = { tier = "db-custom-2-7680", max_connections = 500 }
  }
}
