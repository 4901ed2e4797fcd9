"""Paths of this app."""

from django.urls import path

from dust import views

urlpatterns = [
    path("dust/balance", views.BalanceView.as_view(), name="dust-balance"),
    path("dust/transactions", views.TransactionsView.as_view(), name="dust-transactions"),
]
