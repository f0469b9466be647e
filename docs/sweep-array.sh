#!/bin/sh
#SBATCH --job-name=sweep
#SBATCH --array=1-3
#SBATCH --cpus-per-task=1
#SBATCH --time=02:00:00
# Submit it in the folder of the plan: sbatch sweep-array.sh PLAN OUT [OPTION ...]
plan=$1 out=$2
shift 2
export OMP_NUM_THREADS=1
exec gnnmax sweep "$plan" --out "$out-$SLURM_ARRAY_TASK_ID" --max-hours 1.9 \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" "$@"
