# syntax=docker/dockerfile:1
# Evento as one image for web, worker and commands: docs/containers.md
# BASE: any Debian with Python 3.11 or newer; what is tested is Debian 12.
ARG BASE=debian:12-slim

FROM ${BASE} AS system
ENV DEBIAN_FRONTEND=noninteractive
# libpq5, libreadline8: for the tools of backups; psycopg brings its own libpq.
# hadolint ignore=DL3008
RUN apt-get update -q \
    && apt-get install -q -y --no-install-recommends ca-certificates libpq5 libreadline8 python3 tzdata \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log

FROM system AS build
# hadolint ignore=DL3008
RUN apt-get update -q \
    && apt-get install -q -y --no-install-recommends postgresql-client python3-venv
WORKDIR /srv/evento
COPY requirements-run.txt .
# An index or certificate of one's own comes as a secret, so that no layer keeps it: --secret id=pip_conf,src=FILE
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca_bundle,target=/run/ca-certificates.crt \
    if [ -s /run/ca-certificates.crt ]; then export PIP_CERT=/run/ca-certificates.crt; fi \
    && python3 -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --requirement requirements-run.txt \
    && .venv/bin/pip uninstall --yes --quiet pip setuptools
COPY . .
# Neither settings nor a database are there yet; the key is for this command only and lies in a folder that is left behind.
RUN VAR_DIR=/tmp .venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && .venv/bin/python -m compileall -q -j 0 . \
    # Whatever umask the code was checked out with.
    && chmod -R a+rX,go-w . \
    # Only the translations of languages that Evento speaks.
    && find .venv -path '*/locale/*' -prune -type d ! -name locale ! -name 'en*' -exec rm -rf {} + \
    # The tools of backups without the Perl that Debian wraps them in.
    && mkdir /tools && cp /usr/lib/postgresql/*/bin/pg_dump /usr/lib/postgresql/*/bin/pg_restore /usr/lib/postgresql/*/bin/psql /tools/

FROM system
LABEL org.opencontainers.image.title="Evento" \
    org.opencontainers.image.description="Self-hosted ticketing for free events" \
    org.opencontainers.image.licenses="MIT"
# A number, so that "must not run as root" can be checked without the image; high, so that it is nobody's on the host.
RUN groupadd --gid 10001 evento \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/evento --shell /usr/sbin/nologin evento \
    && install -d -o evento -g evento -m 0750 /var/lib/evento
COPY --from=build /tools/ /usr/local/bin/
COPY --from=build /srv/evento/ /srv/evento/
WORKDIR /srv/evento
# The code is root's and cannot be written to. UVICORN_* and WEB_CONCURRENCY are uvicorn's own settings.
ENV PATH=/srv/evento/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    VAR_DIR=/var/lib/evento \
    UVICORN_HOST=0.0.0.0 \
    UVICORN_PORT=8000 \
    WEB_CONCURRENCY=2
USER 10001:10001
VOLUME /var/lib/evento
EXPOSE 8000
# The process alone, without the database: a container that is started anew mends no database.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"UVICORN_PORT\"]}/healthz', timeout=4)"]
# A change of the database is a step of its own: python manage.py migrate
CMD ["python", "-m", "evento.server"]
