"""What the product adds to django-allauth: who signs in, how often, for how long, by what proof."""
