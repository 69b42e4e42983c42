package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/gin-gonic/gin"

	"yixian/api"
	"yixian/internal/auth"
	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

const maxJSON = 1 << 20 // bytes of a JSON body

// contract is api/openapi.yaml as the guard reads it: one entry per route of gin.
type contract struct {
	routes      map[string]*routers.Route
	permissions map[string]auth.Permission
}

var pathParam = regexp.MustCompile(`\{([a-z_]+)\}`)

// unsupported is how the validator words an additional property; its pointer names only the parent.
var unsupported = regexp.MustCompile(`^property "(.+)" is unsupported$`)

func newContract() (*contract, error) {
	doc, err := api.GetSpec()
	if err != nil {
		return nil, err
	}
	c := &contract{routes: map[string]*routers.Route{}, permissions: map[string]auth.Permission{}}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			name, _ := op.Extensions["x-permission"].(string)
			if !auth.Declared(auth.Permission(name)) {
				return nil, fmt.Errorf("operation %s declares no known permission (%q)", op.OperationID, name)
			}
			key := method + " /api/v1" + pathParam.ReplaceAllString(path, ":$1")
			c.permissions[key] = auth.Permission(name)
			c.routes[key] = &routers.Route{Spec: doc, Server: doc.Servers[0], Path: path, PathItem: item, Method: method, Operation: op}
		}
	}
	return c, nil
}

// guard is the first line of every route: permission, then input against the contract.
func (k *contract) guard(s *server) gin.HandlerFunc {
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true}
	return func(c *gin.Context) {
		key := c.Request.Method + " " + c.FullPath()
		perm, ok := k.permissions[key]
		if !ok {
			writeProblem(c, fault.NotFound())
			return
		}
		if perm == auth.PermSandbox && s.Sandbox == nil {
			writeProblem(c, fault.NotFound())
			return
		}
		if ok, signedIn := actorOf(c).May(perm); !ok {
			if !signedIn {
				writeProblem(c, fault.Unauthorized())
			} else {
				writeProblem(c, fault.Forbidden("FORBIDDEN", "您没有使用该功能的权限"))
			}
			return
		}
		route := k.routes[key]
		if id := route.Operation.OperationID; strings.EqualFold(id, "uploadMedia") || strings.EqualFold(id, "uploadSnapshot") {
			return // a stream of its own: the photo pipeline checks it
		}
		if stream, _ := route.Operation.Extensions["x-stream"].(bool); stream {
			k.guardStream(c, route)
			return
		}
		if c.Request.Body != nil {
			c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxJSON)
		}
		if c.Request.Method == http.MethodPost && route.Operation.RequestBody != nil && c.Request.ContentLength != 0 && c.ContentType() != "application/json" {
			writeProblem(c, fault.New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA", "请求内容应为 application/json"))
			return
		}
		params := make(map[string]string, len(c.Params))
		for _, p := range c.Params {
			params[p.Key] = p.Value
		}
		err := openapi3filter.ValidateRequest(c, &openapi3filter.RequestValidationInput{Request: c.Request, PathParams: params, QueryParams: c.Request.URL.Query(), Route: route, Options: options})
		if err != nil {
			writeProblem(c, invalid(err))
		}
	}
}

// guardStream checks the parameters of an operation whose body may be far larger than JSON is elsewhere: its handler reads it piece by
// piece within limits of its own.
func (*contract) guardStream(c *gin.Context, route *routers.Route) {
	_, known := route.Operation.RequestBody.Value.Content[c.ContentType()]
	_, file := route.Operation.Extensions["x-file"] // of any type: its reader knows a file by its content
	switch {
	case known, file, c.ContentType() == "application/json", c.ContentType() == "application/geo+json", c.ContentType() == "text/csv", c.ContentType() == tables.XLSX.ContentType():
	default:
		writeProblem(c, fault.New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA", "不支持这种内容类型"))
		return
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true, ExcludeRequestBody: true}
	err := openapi3filter.ValidateRequest(c, &openapi3filter.RequestValidationInput{Request: c.Request, QueryParams: c.Request.URL.Query(), Route: route, Options: options})
	if err != nil {
		writeProblem(c, invalid(err))
	}
}

// body checks what came as a form against the schema of an operation's JSON body: one contract, whatever the door.
func (k *contract) body(operation string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return err
	}
	schema := k.routes[operation].Operation.RequestBody.Value.Content["application/json"].Schema.Value
	if err := schema.VisitJSON(plain, openapi3.MultiErrors()); err != nil {
		return invalid(err)
	}
	return nil
}

// invalid turns the validator's findings into field errors with pointers.
func invalid(err error) *fault.Error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fault.New(http.StatusRequestEntityTooLarge, "TOO_LARGE", "内容过大，上限 %d 字节", tooLarge.Limit)
	}
	e := fault.New(http.StatusUnprocessableEntity, "INVALID", "输入有误，请按提示修改")
	collect(err, "", &e)
	if len(e.Fields) == 0 {
		e = e.At("", "请求格式有误，无法读取")
	}
	return e
}

func collect(err error, base string, out **fault.Error) {
	switch v := err.(type) { //nolint:errorlint // the default case unwraps, layer by layer
	case openapi3.MultiError:
		for _, inner := range v {
			collect(inner, base, out)
		}
	case *openapi3filter.RequestError:
		if v.Parameter != nil {
			base = "/" + v.Parameter.Name
		}
		if v.Err == nil {
			*out = (*out).At(base, "%s", v.Reason)
			return
		}
		collect(v.Err, base, out)
	case *openapi3.SchemaError:
		var pointer strings.Builder
		pointer.WriteString(base)
		for _, p := range v.JSONPointer() {
			pointer.WriteString("/" + strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1"))
		}
		if m := unsupported.FindStringSubmatch(v.Reason); m != nil {
			pointer.WriteString("/" + m[1])
			*out = (*out).At(pointer.String(), "不认识的字段")
			return
		}
		*out = (*out).At(pointer.String(), "%s", plainReason(v))
	case *openapi3filter.ParseError:
		*out = (*out).At(base, "无法读取，类型不对")
	default:
		if inner := errors.Unwrap(err); inner != nil {
			collect(inner, base, out)
			return
		}
		if base != "" {
			*out = (*out).At(base, "必填或类型不对")
		}
	}
}

func plainReason(v *openapi3.SchemaError) string {
	switch v.SchemaField {
	case "required":
		return "必填"
	case "properties", "additionalProperties":
		return "不认识的字段"
	case "type":
		return "类型不对，应为 " + strings.Join(v.Schema.Type.Slice(), "/")
	case "pattern", "format":
		return "格式不对"
	case "maxLength", "maxItems", "maxProperties":
		return "太长或太多"
	case "minLength", "minItems":
		return "太短或太少"
	case "minimum", "maximum":
		return "超出范围"
	case "enum":
		return fmt.Sprintf("应为 %v 之一", v.Schema.Enum)
	}
	return "格式不对"
}
