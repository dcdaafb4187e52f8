# The image is made of what passed the checks, and of nothing else: the last stage copies its files out of `checked`, so
# that no builder can leave the checks out.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" --build-arg CREATED="$(date -u +%Y-%m-%dT%H:%M:%SZ)" .
#
# Both arguments are labels only, and may be left out.

FROM python:3.13-slim-trixie AS base
ENV PYTHONDONTWRITEBYTECODE=1

FROM base AS checked
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/dev && python -m venv /opt/sbom && python -m venv /opt/intercom-sink
COPY requirements requirements
RUN /opt/dev/bin/pip install --quiet --require-hashes -r requirements/dev.txt \
    && /opt/sbom/bin/pip install --quiet --require-hashes -r requirements/sbom.txt
RUN /opt/intercom-sink/bin/pip install --quiet --no-compile --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/dev/bin/pip install --quiet --no-deps --no-build-isolation --editable . \
    && /opt/dev/bin/ruff format --check . \
    && /opt/dev/bin/ruff check . \
    && /opt/dev/bin/lint-imports \
    && /opt/dev/bin/mypy \
    && /opt/dev/bin/pytest tests/unit
# Built with the locked setuptools, then installed without pip's help from outside. The bytecode is compiled here, for
# good: at run time nothing is written, and no timestamp of a source file is compared.
RUN /opt/dev/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /build/dist . \
    && /opt/intercom-sink/bin/pip install --quiet --no-compile --no-deps --no-index /build/dist/*.whl \
    && /opt/intercom-sink/bin/python -m pip uninstall --quiet --yes pip \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --output-file /opt/intercom-sink/sbom.cdx.json \
        /opt/intercom-sink/bin/python \
    && rm -rf /opt/intercom-sink/include /opt/intercom-sink/bin/activate* /opt/intercom-sink/bin/Activate.ps1 \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/intercom-sink \
    && chmod -R a+rX,go-w /opt/intercom-sink

FROM base
COPY --from=checked /opt/intercom-sink /opt/intercom-sink
ENV PATH=/opt/intercom-sink/bin:$PATH PYTHONUNBUFFERED=1
# Any other user id works as well: nothing is written, and neither a home folder nor an entry in /etc/passwd is needed.
USER 65532:65532
# The exec form: signals reach the sink itself, not a shell.
ENTRYPOINT ["intercom-sink"]
# Kubernetes ignores it, and has probes of its own. It fails only when a restart would help.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["intercom-sink", "healthy"]
# Last, so that another revision changes no layer.
ARG REVISION=""
ARG CREATED=""
LABEL org.opencontainers.image.title="intercom-sink" \
    org.opencontainers.image.description="Streams messages from a RabbitMQ queue to Intercom's REST API, at least once and in order" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.source="https://github.com/intercom-sink/intercom-sink" \
    org.opencontainers.image.documentation="https://github.com/intercom-sink/intercom-sink#readme" \
    org.opencontainers.image.revision="$REVISION" \
    org.opencontainers.image.created="$CREATED"
