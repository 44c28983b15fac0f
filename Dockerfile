# syntax=docker/dockerfile:1
# The server over stdio:  docker build -t zoho-invoice-mcp .  and then, as a client's command:
#   docker run -i --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     --mount type=volume,src=zoho-invoice-mcp,dst=/data zoho-invoice-mcp
# It writes to /data alone, so that the root file system can be read-only: the record of changes, a stored login, the
# access token and the count of requests that all containers with this volume share; over HTTP the tokens of its clients.
# Over HTTP, with what belongs beside it: compose.yaml.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/zoho-invoice-mcp
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY tool_specs ./tool_specs
COPY zoho_mcp ./zoho_mcp
RUN /opt/zoho-invoice-mcp/bin/pip install --constraint constraints.txt ".[metrics,otel,redis]" && /opt/zoho-invoice-mcp/bin/pip uninstall --yes pip

FROM python:${PYTHON}-slim
LABEL io.modelcontextprotocol.server.name="io.github.zoho-invoice-mcp/zoho-invoice-mcp" \
      org.opencontainers.image.title="zoho-invoice-mcp" \
      org.opencontainers.image.description="Invoicing on Zoho Invoice or Zoho Books; a person is asked before anything is lost." \
      org.opencontainers.image.source="https://github.com/zoho-invoice-mcp/zoho-invoice-mcp" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 zoho && useradd --uid 10001 --gid zoho --no-create-home --shell /usr/sbin/nologin zoho
RUN install --directory --owner zoho --group zoho --mode 0700 /data
COPY --from=build /opt/zoho-invoice-mcp /opt/zoho-invoice-mcp
ENV PATH=/opt/zoho-invoice-mcp/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/data XDG_CONFIG_HOME=/data/config XDG_STATE_HOME=/data/state ZOHO_AUDIT_FILE=/data/audit.jsonl
VOLUME /data
USER 10001:10001
WORKDIR /data
# Where ZOHO_HTTP says that it is served over HTTP. Over stdio there is no port to ask, and the check says yes.
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-m", "zoho_mcp.cli.serve.healthy"]
ENTRYPOINT ["zoho-invoice-mcp"]
