package main

// A Profile is the record that every region keeps a copy of. The tags are for
// package merge: an address moves as one, or the street of one region could meet
// the city of another.
type Profile struct {
	Name   string `json:"name"`
	Email  string `json:"email"`
	Phone  string `json:"phone"`
	Street string `json:"street" merge:"group=address"`
	City   string `json:"city"   merge:"group=address"`
}

// A field names one field of a [Profile], as logs do.
type field string

func fields() []field { return []field{"name", "email", "phone", "street", "city"} }

// at returns a pointer to field f of p, or nil if there is no such field.
func (p *Profile) at(f field) *string {
	switch f {
	case "name":
		return &p.Name
	case "email":
		return &p.Email
	case "phone":
		return &p.Phone
	case "street":
		return &p.Street
	case "city":
		return &p.City
	}
	return nil
}
