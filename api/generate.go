// Package api is the contract: openapi.yaml and what is generated from it (types, strict server, embedded document).
package api

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml openapi.yaml
