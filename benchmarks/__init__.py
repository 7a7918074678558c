"""The cost of a sign-in: Perch beside the least a Flask app can do, and beside the usual way.

`python -m benchmarks` measures for five minutes and rewrites docs/performance.md; with `--quick`
it takes one minute and writes nothing. Everything runs on loopback, in processes of its own: a
provider that answers at once (`stub`), the sites (`sites` and the app itself) behind gunicorn with
the app's own settings, and this process, which plays the people.
"""
