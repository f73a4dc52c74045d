"""Why a move of an enrolment is refused although its state would allow it."""

from chassis.errors import Conflict


class CardMissing(Conflict):
    code, title = "card_missing", "Kartu peserta belum diambil"


class GuardianMissing(Conflict):
    code, title = "guardian_missing", "Wali peserta anak belum tercatat pada kartu"


class TooYoung(Conflict):
    code, title = "age_rule", "Tidak sesuai aturan usia anak"


class NoRightToMakeUp(Conflict):
    """Only an excused session, or hours of an agreed plan, may be made up."""

    code, title = "no_right_to_make_up", "Tidak ada hak mengganti jam ini"


class NoMoreAttempts(Conflict):
    code, title = "no_more_attempts", "Kesempatan uji unit ini sudah selesai"


class NotAssessed(Conflict):
    code, title = "not_assessed", "Masih ada unit yang belum diuji"


class AttendanceOpen(Conflict):
    code, title = "attendance_open", "Presensi belum dikunci"


class NotFinishedByAssessor(Conflict):
    code, title = "not_finished_by_assessor", "Asesor belum menyatakan selesai"


class OutOfReach(Conflict):
    code, title = "out_of_reach", "Batas kehadiran tidak lagi terjangkau tanpa rencana pengganti"


class InReach(Conflict):
    code, title = "in_reach", "Batas kehadiran masih terjangkau"


class NotAsked(Conflict):
    """Dropped for absence only after the sessions in a row and after the other side's officer was asked."""

    code, title = "not_asked", "Belum memenuhi syarat pemberhentian karena ketidakhadiran"


class WaitlistLimitAhead(Conflict):
    code, title = "waitlist_limit_ahead", "Batas daftar tunggu belum lewat"
