# syntax=docker/dockerfile:1
# Pages, then the program with the pages inside, then a small image without compilers in which nobody is root.

FROM node:22-bookworm-slim AS pages
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

FROM golang:1.26-bookworm AS program
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
COPY --from=pages /src/frontend/dist/ frontend/dist/
# Static: no C library, so the image below may change without building again. Zone files are linked in.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags nomsgpack -ldflags="-s -w" -o /out/yixian ./cmd/yixian

FROM debian:bookworm-slim
# Certificates for the SMS gateway; bash, which the health check uses, is part of the base image.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 yixian \
    && useradd --uid 10001 --gid yixian --home-dir /data --no-create-home --shell /usr/sbin/nologin yixian \
    && install -d -o yixian -g yixian -m 0700 /data
COPY --from=program /out/yixian /usr/local/bin/yixian
COPY LICENSE NOTICE /usr/share/doc/yixian/
USER 10001:10001
WORKDIR /data
ENV YIXIAN_LISTEN=0.0.0.0:8080 YIXIAN_DATA=/data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# /readyz asks the database too: a container that cannot serve gets no traffic.
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["/usr/local/bin/yixian"]
CMD ["serve"]
