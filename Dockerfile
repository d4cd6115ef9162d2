# Longarm as a service. The configuration is /config/feeds.toml, the state /config/state.
FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY monitor monitor
COPY classifiers classifiers
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index .

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin longarm && install -d -o longarm -m 0700 /config/state
COPY --from=build /venv /venv
USER longarm
WORKDIR /config
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
VOLUME /config/state
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s CMD ["longarm", "status", "--alive", "--config", "/config/feeds.toml"]
ENTRYPOINT ["longarm"]
CMD ["run", "--config", "/config/feeds.toml", "--log-json"]
