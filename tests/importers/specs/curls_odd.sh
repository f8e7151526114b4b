curl -G "https://api.example.com/v1/search" --data-urlencode "q=a b&c" --data-urlencode "filter[name]=x" -d limit=10
curl "https://api.example.com/v1/a" ^
  -H "accept: application/json" ^
  -H "X-Name: ^\^"quoted^\^"" ^
  --data-raw "{^\^"a^\^":1,^\^"b^\^":^\^"x^%^y^\^"}"
curl --json '{"a": {"b": [1,2]}}' https://api.example.com/v1/json
curl https://api.example.com/v1/json2 --json @body.json
curl -X PUT https://api.example.com/v1/file -H 'Content-Type: image/png' --data-binary @photo.png
curl https://api.example.com/v1/ansi -H 'Content-Type: application/json' --data-raw $'{"t":"it\'s \u00e9\\n"}'
curl -X POST https://api.example.com/v1/multi \
  -F 'file=@a.pdf;type=application/pdf;filename=b.pdf' \
  -F 'meta={"a":1};type=application/json' -F tags=a -F tags=b -F 'note=<note.txt'
curl -k -L -s -o /dev/null -w '%{http_code}\n' --compressed --http2 https://api.example.com/v1/flags
curl -I https://api.example.com/v1/head
curl https://api.example.com/v1/heredoc -H 'Content-Type: application/json' -d @- <<'EOF'
{"a": 1, "b": "x"}
EOF
curl 'api.example.com/v1/bare?x=1' --max-time 5 --retry 3
curl -H "Authorization: Basic dXNlcjpwYXNz" "$BASE_URL/v1/vars/$ID"
curl -H "X-API-Key: ${KEY}" "${BASE_URL}/v1/vars2/{id}?since=${SINCE}"
http_proxy=x curl https://api.example.com/v1/env
sudo curl https://api.example.com/v1/sudo
curl --request POST --url https://api.example.com/v1/readme --header 'accept: application/json' --header 'content-type: application/json' --data '
{
  "name": "x",
  "nested": {"a": [true, null]}
}
'
curl -d '' https://api.example.com/v1/emptypost
curl -d 'a=1&b=2&b=3' -d c=4 https://api.example.com/v1/form
curl -X POST -H 'Content-Type: application/xml' -d '<a><b>1</b></a>' https://api.example.com/v1/xml
curl -X POST -H 'Content-Type: application/graphql' -d '{ a { b } }' https://api.example.com/graphql
curl https://api.example.com/v1/one https://api.example.com/v1/two
curl --url-query x=1 --url-query y=2 https://api.example.com/v1/uq
curl -X POST https://api.example.com/v1/urlenc --data-urlencode 'text@file.txt' --data-urlencode '=raw value' --data-urlencode 'b=c d'
