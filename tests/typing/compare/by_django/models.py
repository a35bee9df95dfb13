"""The models in Django."""

# ruff: noqa: DJ001, DJ008 - as small as the models of the other libraries

from __future__ import annotations

from django.db import models


class Publisher(models.Model):
    name = models.CharField(max_length=50)
    city = models.CharField(max_length=50, null=True)


class Author(models.Model):
    name = models.CharField(max_length=50)
    nick = models.CharField(max_length=50, null=True)
    age = models.IntegerField()


class Tag(models.Model):
    label = models.CharField(max_length=20)


class Book(models.Model):
    title = models.CharField(max_length=100)
    pages = models.IntegerField()
    price = models.DecimalField(max_digits=8, decimal_places=2)
    published = models.DateField(null=True)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    publisher = models.ForeignKey(Publisher, models.CASCADE, null=True)
    tags = models.ManyToManyField(Tag)
