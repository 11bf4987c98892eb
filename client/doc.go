// Package client calls the API. It is generated from the API's description; see
// NewClientWithResponses, and the methods that end in WithResponse.
package client

//go:generate go tool -modfile=../tools/lint/go.mod oapi-codegen -config oapi-codegen.yaml -o client.gen.go ../api/rest/openapi.yaml
