"""Tables, migrations and the store on them."""
