// What Packer's template is for, for its test; see ../packer.
module trackback.test/packer-plugin-amazon

go 1.21.0

require github.com/hashicorp/packer-plugin-amazon v1.3.2

replace github.com/zclconf/go-cty => github.com/nywilken/go-cty v1.13.3
