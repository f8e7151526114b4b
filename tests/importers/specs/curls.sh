#!/bin/sh
# commands as people keep them; nothing here is ever run
curl -sS -X POST 'https://api.example.com/v1/invoices/123/lines?dry=true&api_key=s3cret' \
  -H 'Content-Type: application/json' -H "Accept: application/json" \
  -d '{"amount": 12.5, "lines": [{"a": 1}], "paid": false, "password": "s3cret"}' | jq .
$ curl https://api.example.com/v1/invoices/123 -H 'Authorization: Bearer s3cret'
curl -u me:s3cret -F 'file=@a.pdf' -F title=x https://api.example.com/v1/upload
curl --get https://api.example.com/v1/search -d q=foo -d page=2 -d tag=a -d tag=b
curl -XDELETE "https://api.example.com/v1/things/${THING_ID}" -b 'theme=dark'
curl https://api.example.com/v1/token --data-urlencode 'user=x' -d 'client_secret=s3cret'
curl 'https://api.example.com/v1/notes' -H 'content-type: text/plain' --data-raw $'it\'s'
curl -T photo.png https://files.example.com/photos/550e8400-e29b-41d4-a716-446655440000
curl -X FROBNICATE https://api.example.com/v1/x
