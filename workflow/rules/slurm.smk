def keep_jobs_that_nothing_is_known_of(plugin):
    """Let the executor for Slurm ask again after a round in which no query of its jobs was answered.

    Its `check_active_jobs` returns what is still to be watched: nothing after such a round, and then it waits for ever
    (snakemake-executor-plugin-slurm 2.8; its issue 207).
    """
    check = plugin.Executor.check_active_jobs

    async def check_and_keep(self, active_jobs):
        # before there are jobs, the executor may be asked while it is not made yet
        answered = self._status_query_calls if active_jobs else None
        async for job in check(self, active_jobs):
            yield job
        if active_jobs and self._status_query_calls == answered:
            for job in active_jobs:
                yield job

    plugin.Executor.check_active_jobs = check_and_keep


# Snakemake has loaded its plugins by now, whichever of them is at work
if "snakemake_executor_plugin_slurm" in sys.modules:
    keep_jobs_that_nothing_is_known_of(sys.modules["snakemake_executor_plugin_slurm"])
