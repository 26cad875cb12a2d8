# One file, three images: gateway, backend, migration (and sandbox, for the demo of docker-compose.yml).
#   docker build --target gateway -t banyan-gateway .
# They run as a user without rights, need no writable file system but the volumes named below, and stop on SIGTERM.
# In production name the image by digest, with the newest security release: --build-arg NODE_IMAGE=node@sha256:...
ARG NODE_IMAGE=node:26.10.0-trixie-slim

FROM ${NODE_IMAGE} AS source
WORKDIR /app
COPY package.json package-lock.json ./
COPY bin ./bin

# Everything, to build the console: its bundler's native part is an optional package.
FROM source AS build
RUN npm ci --no-audit --no-fund --ignore-scripts \
  && npm cache clean --force
COPY . .
RUN node gateway/console/build.ts

# What runs: no build tools, no binaries of databases and of another Node.
FROM source AS production
RUN npm ci --no-audit --no-fund --ignore-scripts --omit=dev --omit=optional \
  && npm cache clean --force
COPY config ./config
ENV NODE_ENV=production
LABEL org.opencontainers.image.title="banyan" \
  org.opencontainers.image.licenses="MIT"

FROM production AS gateway
COPY gateway ./gateway
COPY --from=build /app/gateway/console/dist ./gateway/console/dist
RUN mkdir -p /var/lib/banyan && chown node:node /var/lib/banyan
# The embedded ledger, the journal and the backup of the flags.
VOLUME /var/lib/banyan
USER node
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "bin/healthcheck.mjs", "http://127.0.0.1:8081/readyz"]
ENTRYPOINT ["node", "--max-semi-space-size=8", "gateway/main.ts"]
CMD ["--config", "/etc/banyan/gateway.yaml"]

FROM production AS backend
COPY backend ./backend
USER node
EXPOSE 8002
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "bin/healthcheck.mjs", "http://127.0.0.1:8002/api/admin/ready"]
ENTRYPOINT ["node", "backend/main.ts"]

# Ends when its command has, so it has no health: npx banyan-migrate COMMAND as `docker run ... COMMAND`.
FROM production AS migration
COPY backend ./backend
COPY migration ./migration
RUN mkdir -p /var/lib/banyan-migration && chown node:node /var/lib/banyan-migration
ENV MIGRATION_FOLDER=/var/lib/banyan-migration
VOLUME /var/lib/banyan-migration
USER node
HEALTHCHECK NONE
ENTRYPOINT ["node", "migration/main.ts"]
CMD ["--help"]

# Stand-ins of docker-compose.yml's demo; never for production. Each service names what it runs and how it is asked.
FROM build AS sandbox
USER node
HEALTHCHECK NONE
ENTRYPOINT ["node"]
CMD ["test/sandbox/traffic.ts"]
