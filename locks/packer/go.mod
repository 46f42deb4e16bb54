// Packer, for the test of its template. Its own go.mod has the same replacement, which only the main module's may have.
module trackback.test/packer

go 1.21.0

require github.com/hashicorp/packer v1.11.2

replace github.com/zclconf/go-cty => github.com/nywilken/go-cty v1.13.3
