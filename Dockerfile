# One image per room, each with nothing but what its room imports: `docker build --target vault .`
# The classic builder will do; it builds every stage above its target, so what changes often stands last.
# PYTHON_IMAGE: any Debian with python3 (3.11 to 3.13) and its venv.

ARG PYTHON_IMAGE=python:3.13-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim


# --- what every room shares ---------------------------------------------------------------------------------------

FROM ${PYTHON_IMAGE} AS builder
# /opt/build installs; /opt/room is what the images get.
COPY deploy/locks/build.txt deploy/locks/audit.txt /tmp/
RUN python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --disable-pip-version-check --no-cache-dir --quiet \
    --require-hashes --only-binary :all: -r /tmp/build.txt \
 && python3 -m venv --without-pip /opt/room
ENV UV_NO_CACHE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_HTTP_TIMEOUT=180
COPY deploy/install-room /usr/local/bin/
RUN install-room sdk /tmp/audit.txt
COPY sdk/openassistant /app/openassistant
RUN install-room shared

FROM ${PYTHON_IMAGE} AS room
ENV PATH=/opt/room/bin:$PATH PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
RUN install -d -o 10001 -g 10001 -m 0700 /data /keys
COPY --from=builder /opt/room /opt/room
COPY --from=builder /app /app
COPY deploy/health.py /app/health.py
WORKDIR /app
USER 10001:10001


# --- the vault, and what makes the keys before the house starts, which needs the same ------------------------------

FROM builder AS vault-build
COPY deploy/locks/vault.txt /tmp/room.txt
RUN install-room own /tmp/room.txt
COPY services/__init__.py /app/services/
COPY services/vault /app/services/vault
RUN install-room finish

FROM room AS vault
COPY --from=vault-build /own /
CMD ["python", "-m", "services.vault"]

# What the house knows of its connectors before they run: their cards, and how their files are brought up to date.
FROM builder AS cards
COPY connectors /tmp/connectors
RUN cd /tmp/connectors && for file in */card.json */migrations/*.py; do install -D -m 0644 "$file" "/cards/$file"; done

# Makes the keys, and copies and restores houses: it reads the files of every room.
FROM builder AS init-build
COPY deploy/locks/backup.txt /tmp/room.txt
RUN install-room own /tmp/room.txt
COPY services/__init__.py /app/services/
COPY services/vault /app/services/vault
COPY services/audit /app/services/audit
COPY services/gateway/migrations /app/services/gateway/migrations
COPY services/agent/migrations /app/services/agent/migrations
COPY deploy/__init__.py deploy/archive.py deploy/backup.py deploy/bus.py deploy/containers.py deploy/generated.py \
     deploy/permissions.py deploy/places.py deploy/processes.py deploy/provision.py deploy/recovery.py deploy/restore.py \
     deploy/restoring.py deploy/rootkey.py deploy/secretfiles.py deploy/selftest.py deploy/settings.py \
     deploy/upgrade.py deploy/versions.py /app/deploy/
COPY --from=cards /cards /app/connectors
RUN install-room finish

FROM room AS backup
USER 0:0
RUN install -d -o 10001 -g 10001 -m 0700 /copies /house/backup
USER 10001:10001
COPY --from=init-build /own /
CMD ["python", "-m", "deploy.backup", "--volumes", "serve"]

FROM backup AS init
USER 0:0
CMD ["python", "-m", "deploy.containers"]


# --- the witness --------------------------------------------------------------------------------------------------

FROM builder AS audit-build
COPY deploy/locks/audit.txt /tmp/room.txt
RUN install-room own /tmp/room.txt
COPY services/__init__.py /app/services/
COPY services/audit /app/services/audit
RUN install-room finish

FROM room AS audit
COPY --from=audit-build /own /
CMD ["python", "-m", "services.audit"]


# --- the way out --------------------------------------------------------------------------------------------------

FROM builder AS egress-build
COPY deploy/locks/egress.txt /tmp/room.txt
RUN install-room own /tmp/room.txt
COPY services/__init__.py /app/services/
COPY services/egress /app/services/egress
RUN install-room finish

FROM room AS egress
USER 0:0
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends squid >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/log/squid
USER 10001:10001
COPY --from=egress-build /own /
CMD ["python", "-m", "services.egress"]


# --- the agent ----------------------------------------------------------------------------------------------------

FROM builder AS agent-build
COPY deploy/locks/agent.txt /tmp/room.txt
RUN install-room own /tmp/room.txt
COPY services/__init__.py /app/services/
COPY services/agent /app/services/agent
RUN install-room finish

FROM room AS agent
COPY --from=agent-build /own /
CMD ["python", "-m", "services.agent"]


# --- the gateway, with the web UI ----------------------------------------------------------------------------------

FROM ${NODE_IMAGE} AS web
WORKDIR /web
COPY services/gateway/web/package.json services/gateway/web/package-lock.json services/gateway/web/.npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel error
COPY services/gateway/web ./
RUN npm run --silent build -- --logLevel warn

FROM builder AS gateway-build
COPY deploy/locks/gateway.txt /tmp/room.txt
RUN install-room own /tmp/room.txt
COPY services/__init__.py /app/services/
COPY services/gateway /app/services/gateway
RUN rm -rf /app/services/gateway/web && install-room finish

FROM room AS gateway
COPY --from=gateway-build /own /
COPY --from=web /web/build /app/services/gateway/web/build
CMD ["python", "-m", "services.gateway"]


# --- a connector: `--target connector --build-arg CONNECTOR=mail` ---------------------------------------------------

FROM builder AS connector-build
ARG CONNECTOR
COPY deploy/locks/connector-${CONNECTOR}.txt /tmp/room.txt
RUN install-room own /tmp/room.txt
COPY connectors/__init__.py /app/connectors/
COPY connectors/${CONNECTOR} /app/connectors/${CONNECTOR}
RUN install-room finish

FROM room AS connector
ARG CONNECTOR
ENV CONNECTOR=${CONNECTOR}
COPY --from=connector-build /own /
CMD ["sh", "-c", "exec python -m openassistant run connectors.$CONNECTOR"]
