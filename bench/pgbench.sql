INSERT INTO public.bench_execution (id, workflow, status, input, trigger, executed_by, actor, code_version, attempt, depth) VALUES (uuidv7(), 'trivial', 'Running', '{}', '{}', '{}', 'token:1', 'x', 1, 0) RETURNING id AS key \gset
UPDATE public.bench_execution SET status = 'Success', result = '{}', completed_at = now(), duration_ms = 1 WHERE id = :key;
