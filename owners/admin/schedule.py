"""What beat does when: a task can be told anything, so only superusers tell it."""

from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from owners.admin.nights_only import ChiefsOnly

# The library's own pages ask for rights that roles do not give.
for model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule):
    admin.site.unregister(model)


@admin.register(PeriodicTask)
class TaskAdmin(ChiefsOnly, beat.PeriodicTaskAdmin):  # type: ignore[misc]  # the library ships no types
    """What is done again and again."""


@admin.register(CrontabSchedule)
class TimeOfDayAdmin(ChiefsOnly, beat.CrontabScheduleAdmin):  # type: ignore[misc]  # the library ships no types
    """Times of the day and of the week."""

    inlines = ()


@admin.register(ClockedSchedule)
class MomentAdmin(ChiefsOnly, beat.ClockedScheduleAdmin):  # type: ignore[misc]  # the library ships no types
    """Single moments."""

    inlines = ()


@admin.register(IntervalSchedule, SolarSchedule)
class IntervalAdmin(ChiefsOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # of either
    """How often; and by the sun."""
