"""Addresses of our own pages; every page but the sign-in needs a signed-in person."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.i18n import set_language

from media_assets.views import (
    account,
    audit,
    batches,
    bulk,
    copying,
    exports,
    figures,
    handles,
    history,
    new_upload,
    overview,
    saved,
    uploads,
)

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
    path("account/sign-out/", account.sign_out, name="logout"),
    path("account/password/", account.ChangePassword.as_view(), name="password_change"),
    path("language/", login_not_required(set_language), name="set_language"),
]
