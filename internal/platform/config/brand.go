package config

import (
	"errors"
	"fmt"
	"io"

	"marketplace.example/trials/internal/domain/brand"
)

// brandFile is the name of the brand's file in the folder of MAIL_TEMPLATES.
const brandFile = "brand.yaml"

// branded is the content of a brand's file, and where it stands.
type branded struct {
	brand brand.Brand
	lines yamlLines
}

// ReadBrand reads a marketplace's brand. Errors name the line and the field.
func ReadBrand(r io.Reader) (brand.Brand, error) {
	b, err := readBrand(r)
	return b.brand, err
}

func readBrand(r io.Reader) (branded, error) {
	var b brand.Brand
	lines, err := decodeYAML(r, &b)
	if err != nil {
		return branded{}, err
	}
	var problems []error
	if lines["logo.width"].float {
		problems = append(problems, errors.New(lines.at("logo.width")+": must be a whole number"))
	}
	for _, p := range b.Problems() {
		problems = append(problems, fmt.Errorf("%s: %s", lines.at(p.Field), p.Message))
	}
	if len(problems) > 0 {
		return branded{}, errors.Join(problems...)
	}
	return branded{b, lines}, nil
}
