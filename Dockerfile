# The image is made of what passed the checks, and of nothing else: the last stage copies its files out of `checked`, so
# that no builder can leave the checks out.

FROM python:3.13-slim-trixie AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1

FROM base AS checked
WORKDIR /build
RUN python -m venv /opt/dev && python -m venv /opt/intercom-sink
COPY requirements requirements
RUN /opt/dev/bin/pip install --quiet --require-hashes -r requirements/dev.txt
RUN /opt/intercom-sink/bin/pip install --quiet --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/dev/bin/pip install --quiet --no-deps --no-build-isolation --editable . \
    && /opt/dev/bin/ruff format --check . \
    && /opt/dev/bin/ruff check . \
    && /opt/dev/bin/lint-imports \
    && /opt/dev/bin/mypy \
    && /opt/dev/bin/pytest tests/unit
# Built with the locked setuptools, then installed without pip's help from outside.
RUN /opt/dev/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /build/dist . \
    && /opt/intercom-sink/bin/pip install --quiet --no-deps --no-index /build/dist/*.whl \
    && /opt/intercom-sink/bin/python -m pip uninstall --quiet --yes pip

FROM base
COPY --from=checked /opt/intercom-sink /opt/intercom-sink
ENV PATH=/opt/intercom-sink/bin:$PATH PYTHONUNBUFFERED=1
USER 65532:65532
# The exec form: signals reach the sink itself, not a shell.
ENTRYPOINT ["intercom-sink"]
