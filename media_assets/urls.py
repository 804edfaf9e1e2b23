"""Addresses of our own pages; every page but the sign-in needs a signed-in person."""

from allauth.account.views import reauthenticate
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from media_assets.views import (
    account,
    audit,
    batches,
    bulk,
    copying,
    exports,
    factors,
    figures,
    handles,
    history,
    invitations,
    new_upload,
    overview,
    saved,
    sessions,
    uploads,
)

FACTOR = "account/second-factor"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("uploads/new/", new_upload.new_upload, name="new_upload"),
    path("uploads/new/check/", new_upload.check, name="check_lines"),
    path("uploads/new/probe/", new_upload.probe, name="probe"),
    path("batches/<uuid:code>/", batches.batch, name="batch"),
    path("batches/<uuid:code>/progress/", batches.progress, name="batch_progress"),
    path("batches/<uuid:code>/cancel/", batches.cancel, name="cancel_batch"),
    path("batches/<uuid:code>/copied/", batches.copied, name="batch_copied"),
    path("batches/<uuid:code>/handles.csv", batches.handles_csv, name="batch_csv"),
    path("uploads/<uuid:code>/", uploads.upload, name="upload"),
    path("uploads/<uuid:code>/progress/", uploads.progress, name="upload_progress"),
    path("uploads/<uuid:code>/cancel/", uploads.cancel, name="cancel"),
    path("uploads/<uuid:code>/retry/", uploads.retry, name="retry"),
    path("uploads/<uuid:code>/renew/", uploads.renew, name="renew"),
    path("uploads/<uuid:code>/handle/", uploads.handle, name="upload_handle"),
    path("uploads/<uuid:code>/copied/", uploads.copied, name="copied"),
    path("handles/", handles.library, name="handles"),
    path("history/", history.history, name="history"),
    path("history/figures/", figures.show, name="figures"),
    path("history/export.csv", exports.history_csv, name="history_csv"),
    path("history/export.xlsx", exports.history_xlsx, name="history_xlsx"),
    path("bulk/copied/", copying.copied, name="bulk_copied"),
    path("bulk/<slug:page>/copy/", copying.copy, name="bulk_copy"),
    path("bulk/<slug:page>/<slug:action>/", bulk.bulk, name="bulk"),
    path("saved-views/<uuid:code>/rename/", saved.rename_view, name="rename_view"),
    path("saved-views/<uuid:code>/delete/", saved.delete_view, name="delete_view"),
    path("saved-views/<slug:page>/", saved.saved_views, name="saved_views"),
    path("saved-views/<slug:page>/save/", saved.save_view, name="save_view"),
    path("audit/", audit.audit, name="audit"),
    path("audit/export.csv", exports.audit_csv, name="audit_csv"),
    path("audit/export.xlsx", exports.audit_xlsx, name="audit_xlsx"),
    path("account/sign-in/", account.SignIn.as_view(), name="login"),
    path("account/sign-in/", account.SignIn.as_view(), name="account_login"),
    path("account/sign-out/", account.sign_out, name="logout"),
    path("account/sign-out/", account.sign_out, name="account_logout"),
    path("account/invitation/", invitations.invitation, name="invitation"),
    path("account/invitation/<str:token>/", invitations.open_invitation, name="open_invitation"),
    path("account/sessions/", sessions.my_sessions, name="my_sessions"),
    path("account/sessions/end-others/", sessions.end_other_sessions, name="end_other_sessions"),
    path("account/sessions/end-all/", sessions.sign_out_everywhere, name="sign_out_everywhere"),
    path("account/sessions/<uuid:code>/end/", sessions.end_session, name="end_session"),
    path("account/reauthenticate/", reauthenticate, name="account_reauthenticate"),
    # these go before django-allauth's own at the same addresses
    path(f"{FACTOR}/totp/activate/", factors.set_up_app, name="mfa_activate_totp"),
    path(f"{FACTOR}/totp/deactivate/", factors.remove_app, name="mfa_deactivate_totp"),
    path(f"{FACTOR}/webauthn/add/", factors.add_passkey, name="mfa_add_webauthn"),
    path(
        f"{FACTOR}/webauthn/keys/<int:pk>/remove/",
        factors.remove_passkey,
        name="mfa_remove_webauthn",
    ),
    path(
        f"{FACTOR}/webauthn/reauthenticate/",
        factors.prove_by_passkey,
        name="mfa_reauthenticate_webauthn",
    ),
    path(f"{FACTOR}/recovery-codes/", factors.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        f"{FACTOR}/recovery-codes/generate/",
        factors.new_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        f"{FACTOR}/recovery-codes/download/",
        factors.recovery_codes_file,
        name="mfa_download_recovery_codes",
    ),
    path(f"{FACTOR}/", include("allauth.mfa.urls")),
    path("account/password/", account.ChangePassword.as_view(), name="password_change"),
    path("language/", login_not_required(set_language), name="set_language"),
]

if settings.OIDC_ISSUER:
    from allauth.socialaccount.providers.openid_connect.views import callback

    from media_assets.views import provider  # (its tables are there only then)

    urlpatterns += [
        path("account/oidc/sign-in/", provider.sign_in_at_provider, name="sign_in_at_provider"),
        path("account/oidc/prove/", provider.prove_by_provider, name="prove_by_provider"),
        path(
            "account/oidc/oidc/login/callback/",
            callback,
            {"provider_id": settings.OIDC_ID},
            name="openid_connect_callback",
        ),
    ]
