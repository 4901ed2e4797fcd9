// 1. Start generation (returns immediately)
const response = await fetch('/videos/generate', {
  method: 'POST', 
  body: JSON.stringify(videoRequest)
});
const { job_id } = await response.json();

// 2. Poll for status
const checkStatus = async () => {
  const status = await fetch(`/videos/jobs/${job_id}/status`);
  const data = await status.json();
  
  if (data.status === 'completed') {
    // 3. Get the final video
    const result = await fetch(`/videos/jobs/${job_id}/result`);
    const { video } = await result.json();
    // Show video to user
  } else if (data.status === 'failed') {
    // Handle error
  } else {
    // Still processing, check again in 5 seconds
    setTimeout(checkStatus, 5000);
  }
};

checkStatus();
