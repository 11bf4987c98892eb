// Package client calls the API. It is generated from the API's description: see New, the methods of ClientInterface, and
// Read, which reads their answers. The methods that end in WithResponse read every documented answer, refusals included.
package client

//go:generate go tool -modfile=../tools/lint/go.mod oapi-codegen -config oapi-codegen.yaml -o client.gen.go ../api/rest/openapi.yaml
