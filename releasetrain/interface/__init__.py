"""The kit that both faces share: API, pages, forms, charts."""
