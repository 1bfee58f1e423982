"""What beat does when: a task can be told anything, so only superusers tell it."""

from typing import Any

from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from owners.admin.nights_only import ChiefsOnly

# The library's own pages ask for rights that roles do not give.
for model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule):
    admin.site.unregister(model)


class TaskWidget(UnfoldAdminSelectWidget, beat.TaskSelectWidget):  # type: ignore[misc]  # neither ships types
    """The names of all tasks, in the console's look."""


class TaskForm(beat.PeriodicTaskForm):  # type: ignore[misc]  # the library ships no types
    """A task, in the console's look."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskWidget()


@admin.register(PeriodicTask)
class TaskAdmin(ChiefsOnly, beat.PeriodicTaskAdmin, ModelAdmin):  # type: ignore[misc]  # neither ships types
    """What is done again and again."""

    form = TaskForm


@admin.register(CrontabSchedule)
class TimeOfDayAdmin(ChiefsOnly, beat.CrontabScheduleAdmin, ModelAdmin):  # type: ignore[misc]  # neither ships types
    """Times of the day and of the week."""

    inlines = ()


@admin.register(ClockedSchedule)
class MomentAdmin(ChiefsOnly, beat.ClockedScheduleAdmin, ModelAdmin):  # type: ignore[misc]  # neither ships types
    """Single moments."""

    inlines = ()


@admin.register(IntervalSchedule, SolarSchedule)
class IntervalAdmin(ChiefsOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """How often; and by the sun."""
