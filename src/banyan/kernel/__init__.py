"""The seven questions: where, proof, when, who, what, why, how. A later one may use an earlier one."""
