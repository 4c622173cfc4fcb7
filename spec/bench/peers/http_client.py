"""http_client.py URL PAGES: python's http.client and json, over one connection."""

import http.client
import json
import sys
import time
import urllib.parse

url, pages = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2])
connection = http.client.HTTPConnection(url.hostname, url.port)
total = 0.0
begin = time.process_time()
for page in range(1, pages + 1):
    connection.request("GET", f"{url.path}?number={page}")
    for user in json.loads(connection.getresponse().read())["users"]:
        for account in user["accounts"]:
            total += account["amount"]
print(f"{(time.process_time() - begin) / pages:.9f} {total:.2f}")
