// MLflow's clients print links to its own pages, such as /#/experiments/1/runs/0af3. What is behind # never reaches
// the server, so it is turned into this server's path here.
const run = location.hash.match(/^#\/experiments\/\d+\/runs\/([\w-]+)/);
const model = location.hash.match(/^#\/experiments\/\d+\/models\/([\w-]+)/);
const experiment = location.hash.match(/^#\/experiments\/(\d+)/);
if (run) location.replace(`/runs/${run[1]}`);
else if (model) location.replace(`/models/${model[1]}`);
else if (experiment) location.replace(`/experiments/${experiment[1]}`);
