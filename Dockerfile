# The product's three programs, each in an image with nothing else in it: one static binary, the
# certificates of public authorities and the time zones. Targets: api, worker, starter.

FROM golang:1.26.11-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev
ENV CGO_ENABLED=0
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    mkdir /out && go build -trimpath -ldflags="-s -w -X marketplace.example/trials/internal/platform/version.set=$VERSION" -o /out/ ./api ./worker ./starter

FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /zoneinfo.zip
ENV ZONEINFO=/zoneinfo.zip
USER 65532:65532
ARG VERSION=dev
LABEL org.opencontainers.image.version=$VERSION

FROM base AS api
COPY --from=build /out/api /api
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/api", "-healthcheck"]
ENTRYPOINT ["/api"]

FROM base AS worker
COPY --from=build /out/worker /worker
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/worker", "-healthcheck"]
ENTRYPOINT ["/worker"]

FROM base AS starter
COPY --from=build /out/starter /starter
ENTRYPOINT ["/starter"]
