#!/usr/bin/env bash
# A sweep of the demo model on a real Slurm on this machine: an array, preemption, a killed node daemon, a dependent merge.
#
#     apt-get install slurm-wlm      # Debian 12: 22.05
#     tools/slurm_demo.sh BINARY [FOLDER]
#
# As root. Starts slurmctld and slurmd with one node that has more processors configured than there are, without cgroups,
# munge or accounting, on two ports of the loopback; both are stopped at the end. Exits with 0 if the merged files are the
# bytes of a sweep by one process.
set -euo pipefail
binary=$(realpath "$1")
home=$(realpath "${2:-$(mktemp -d)}")
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$home"/{bin,state,spool,logs}
ln -sf "$binary" "$home/bin/partscope"
export PATH=$home/bin:$PATH SLURM_CONF=$home/slurm.conf PARTSCOPE_CACHE=$home/cache
cd "$home"

cat > slurm.conf <<CONF
ClusterName=demo
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=bf_interval=2,sched_interval=2
ReturnToService=2
KillWait=10
MaxArraySize=1001
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/logs/slurmctld
SlurmdLogFile=$home/logs/slurmd
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=8 CoresPerSocket=8 RealMemory=20000 State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=high Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10
CONF
slurmctld && slurmd
trap 'scancel --user=root 2>/dev/null; sleep 1; kill $(cat "$home/slurmd.pid" "$home/slurmctld.pid") 2>/dev/null || true' EXIT
until sinfo --noheader 2>/dev/null | grep -q idle; do sleep 1; done
sinfo

cat > sweep.toml <<TOML
models = ["demo"]
tasks = ["sentiment", "topic"]
templates = 3
seeds = ${SEEDS:-10}
budgets = [12, 24]
limit = 48
TOML
partscope sweep plan sweep.toml -o sweep
id=$(SWEEP=sweep sbatch --parsable "$root/docs/slurm/sweep.sbatch")
merge=$(sbatch --parsable --dependency="afterany:$id" --wrap "partscope sweep merge sweep -o tables")
sleep "${BEFORE:-15}"
squeue && partscope sweep status sweep
echo "== preemption: a job with a higher priority takes all processors"
urgent=$(sbatch --parsable --partition=high --cpus-per-task=8 --wrap "sleep 5")
sleep 4
squeue && partscope sweep status sweep
echo "== SIGKILL of one task, which is requeued by hand"
until [ -n "$(squeue --noheader --jobs="$id" --states=RUNNING)" ] || [ -z "$(squeue --noheader --jobs="$merge")" ]; do sleep 1; done
task=$(squeue --noheader --jobs="$id" --states=RUNNING --format=%A | head -1)
[ -z "$task" ] || { scancel --batch --signal=KILL "$task" && sleep 2 && scontrol requeue "$task" || true; }
while [ -n "$(squeue --noheader)" ]; do sleep 2; done
cat slurm-*.out
partscope sweep status sweep
scontrol show job "$merge" | grep -E "JobState|ExitCode" || true
echo "urgent $urgent, array $id, merge $merge; requeued $(grep -c -i requeu logs/slurmctld) times in the log"

echo "== the same by one process"
partscope sweep plan sweep.toml -o whole --no-measure
PARTSCOPE_CACHE=$home/other-cache partscope sweep run whole
partscope sweep merge whole -o expected
for name in rows.csv rows.parquet tables.json report.html; do cmp "tables/$name" "expected/$name"; done
echo "the merged files are the same bytes"
